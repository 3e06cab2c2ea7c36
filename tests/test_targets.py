"""What a tool talks to, and never its password."""

from __future__ import annotations

import pytest

from recorder.targets import target


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("psql", None),
        ("psql shop", "/shop"),
        ("psql shop me", "me@/shop"),
        ("psql -h db -p 5433 -U me shop", "me@db:5433/shop"),
        ("psql -hdb -p5433 -Ume -dshop", "me@db:5433/shop"),
        ("psql --host=db --port 5433 --username me --dbname=shop -c select -x", "me@db:5433/shop"),
        (
            "psql postgresql://me:hunter2@db:5433/shop?sslmode=require",
            "postgresql://me@db:5433/shop?sslmode=require",
        ),
        ("psql -d postgres://db/shop?user=me&password=hunter2", "postgres://db/shop?user=me"),
        ("psql -d postgres://db/shop?password=hunter2&user=me", "postgres://db/shop?user=me"),
        ("mysql -h db -u me -phunter2 shop", "me@db/shop"),
        ("mariadb -P 3307 -D shop", ":3307/shop"),
        ("mysql -S /run/my.sock", "/run/my.sock"),
        ("redis-cli", "127.0.0.1:6379"),
        ("redis-cli -h cache -p 6380 -n 2 -a hunter2 get x", "cache:6380/2"),
        ("redis-cli -u redis://:hunter2@cache:6379/0", "redis://cache:6379/0"),
        ("redis-cli get -h", "127.0.0.1:6379"),
        ("sqlite3", ":memory:"),
        ("sqlite3 shop.db", "/home/me/shop.db"),
        ("sqlite3 -header -separator , ./shop.db .tables", "/home/me/shop.db"),
        ("sqlite3 /var/shop.db", "/var/shop.db"),
        ("sqlite3 :memory:", ":memory:"),
        ("sqlite3 file:shop.db?mode=ro", "file:shop.db?mode=ro"),
        ("ssh host", "host"),
        ("ssh -p 2222 -i key -l me host ls -l other", "me@host:2222"),
        ("ssh -p2222 you@host", "you@host:2222"),
        ("ssh ssh://me@host:2222", "ssh://me@host:2222"),
        ("ssh", None),
        ("telnet host", "host"),
        ("gdb ./prog", "/home/me/prog"),
        ("gdb -q -ex run --args /bin/cat -p file", "/bin/cat"),
        ("gdb -p 42", "pid 42"),
        ("gdb --pid=42", "pid 42"),
        ("gdb", None),
        ("python3", None),
        ("python3.11 -i -X dev script.py -c x", "/home/me/script.py"),
        ("python3 -m http.server 80", "-m http.server"),
        ("python3 -im pdb", "-m pdb"),
        ("python3 -c print(1) x", None),
        ("python3 -ic print(1) x", None),
        ("python3 -", None),
        ("/usr/bin/python3 -- -odd.py", "/home/me/-odd.py"),
        ("cat file", None),
        ("bash -c psql", None),
    ],
)
def test_target(command, expected):
    argv = command.split(" ")
    assert target(argv, argv[0], {}, "/home/me") == expected


def test_a_conninfo_string_is_read():
    dsn = r"host=db port = 5433 user='me' password='it\'s hunter2' dbname=shop"
    assert target(["psql", dsn], "psql") == "me@db:5433/shop"
    assert target(["psql", "-d", "password=hunter2"], "psql") is None


def test_the_environment_speaks_for_psql_where_the_arguments_do_not():
    env = {"PGHOST": "db", "PGUSER": "me", "PGDATABASE": "shop", "PGPASSWORD": "hunter2", "PGPORT": ""}
    assert target(["psql"], "psql", env) == "me@db/shop"
    assert target(["psql", "-h", "other", "x"], "psql", env) == "me@other/x"
    assert target(["redis-cli"], "redis-cli", env) == "127.0.0.1:6379"


def test_without_a_directory_a_file_stays_as_it_was_given():
    assert target(["sqlite3", "shop.db"], "sqlite3") == "shop.db"
