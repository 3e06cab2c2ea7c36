"""Passwords in arguments: planted ones never survive, innocent arguments are never touched."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recorder.masking import MASK, mask_argv, mask_urls

# A password as people have them, with a core that nothing else in a command line could be.
CORE = "hUnTeR2"
ODD = st.text("aB3!#$%^*()+=,.:;?~|<>[]_-", max_size=4)
PASSWORDS = st.builds(lambda before, after: before + CORE + after, ODD, ODD)
QUOTABLE = PASSWORDS.filter(lambda word: "'" not in word)
TAME = st.text(string.ascii_letters + string.digits + "!$%^*+,._-~", max_size=4).map(lambda tail: CORE + tail)


def masked(*argv):
    out, changed = mask_argv(argv)
    assert changed == (out != argv)
    assert out[:1] == argv[:1]
    assert len(out) == len(argv)
    return list(out)


# {} is the password; each is a whole command line, one word per item.
ANY_PASSWORD = [
    ["mysql", "-p{}"],
    ["mysql", "-uroot", "-p{}", "shop"],
    ["/usr/bin/mariadb", "-h", "db", "-p{}"],
    ["mysql", "--password={}"],
    ["sshpass", "-p", "{}", "ssh", "host"],
    ["sshpass", "-p{}", "ssh", "host"],
    ["redis-cli", "-a", "{}", "ping"],
    ["redis-cli", "--pass", "{}"],
    ["redis-cli", "AUTH", "{}"],
    ["redis-cli", "auth", "default", "{}"],
    ["redis-cli", "config", "set", "requirepass", "{}"],
    ["mongosh", "-u", "me", "-p", "{}"],
    ["cqlsh", "-p", "{}"],
    ["sqlcmd", "-P", "{}"],
    ["ldapsearch", "-w", "{}"],
    ["docker", "login", "-p", "{}"],
    ["curl", "-u", "me:{}", "http://x"],
    ["curl", "--user=me:{}", "http://x"],
    ["curl", "-ume:{}", "http://x"],
    ["smbclient", "-U", "me%{}", "//host/share"],
    ["lftp", "-u", "me,{}", "host"],
    ["tool", "--password", "{}"],
    ["tool", "--db-password={}"],
    ["tool", "--api-key={}"],
    ["tool", "--apikey", "{}"],
    ["tool", "--token", "{}"],
    ["tool", "--auth_token={}"],
    ["tool", "-password", "{}"],
    ["tool", "--secret-key={}"],
    ["tool", "--client.secret={}"],
    ["curl", "-H", "Authorization: Bearer {}"],
    ["curl", "--header=authorization: {}"],
    ["curl", "-HAuthorization: Basic {}"],
    ["curl", "-H", "X-Api-Key: {}"],
    ["curl", "-H", "PRIVATE-TOKEN: {}"],
    ["curl", "-H", "Cookie: session={}"],
    ["sudo", "mysql", "-p{}"],
    ["env", "mysql", "-uroot", "-p{}"],
    ["docker", "exec", "-it", "db", "mysql", "-p{}"],
    ["ssh", "host", "mysql", "-p{}"],
    ["openssl", "enc", "-d", "pass:{}"],
    ["openssl", "enc", "-pass", "pass:{}"],
]
SETTINGS = [
    ["env", "PGPASSWORD={}", "psql"],
    ["env", "MYSQL_PWD=x{}", "mysql"],
    ["env", "REDISCLI_AUTH={}", "redis-cli"],
    ["env", "MY_API_KEY={}", "tool"],
    ["env", "DB_PASS={}", "tool"],
    ["psql", "host=db user=me password={} dbname=shop"],
    ["psql", "host=db password = {} dbname=shop"],
    ["psql", "-d", "password={}"],
    ["java", "-Dpassword={}"],
    ["sqlcmd", "Server=x;Uid=sa;Pwd=x{};"],
    ["sqlcmd", "Driver=ODBC;Password={{{}}};"],
]
QUOTED = [
    ["psql", "password='a {} b' dbname=shop"],
    ["curl", "-d", '{{"user": "me", "password": "{}"}}'],
    ["python3", "-c", "connect(password='{}')"],
    ["sh", "-c", "mysql -p'{} x' shop"],
    ["sh", "-c", "PGPASSWORD='{}' psql"],
    ["sh", "-c", "tool --password '{} x'"],
    ["bash", "-lc", 'cd /x && mysql "-p{}" shop'],
    ["sh", "-c", 'curl -H "Authorization: Bearer {}" http://x'],
    ["ssh", "host", "redis-cli -a '{}' ping"],
]
URLS = [
    ["psql", "postgres://me:{}@db.example:5432/shop?sslmode=require"],
    ["psql", "-d", "postgresql://me:{}@/shop"],
    ["psql", "--dbname=postgresql://me:{}@db/shop"],
    ["redis-cli", "-u", "redis://:{}@cache:6379/0"],
    ["tool", "mongodb+srv://me:{}@cluster/db"],
    ["tool", "https://me:{}@example.com/path"],
    ["tool", "connect to mysql://me:{}@db/shop now"],
    ["mongosh", "me:{}@host/db"],
    ["sqlplus", "me/{}@orcl"],
    ["sh", "-c", "psql postgres://me:{}@db/shop"],
]
URL_QUERY = [
    ["psql", "postgres://db/shop?user=me&password={}&sslmode=require"],
    ["curl", "http://x/?api_key={}"],
]


def planted(template, password):
    return [word.format(password) for word in template]


@given(st.sampled_from(ANY_PASSWORD), PASSWORDS)
def test_no_password_of_an_option_survives(template, password):
    assert not [word for word in masked(*planted(template, password)) if CORE in word]


@given(st.sampled_from(SETTINGS), PASSWORDS.filter(lambda word: word[0] not in "/.~"))
def test_no_password_of_a_setting_survives(template, password):
    assert not [word for word in masked(*planted(template, password)) if CORE in word]


@given(st.sampled_from(QUOTED), QUOTABLE)
def test_no_quoted_password_survives(template, password):
    assert not [word for word in masked(*planted(template, password)) if CORE in word]


@given(st.sampled_from(URLS), TAME)
@example(URLS[0], CORE + "/with/slash")
@example(URLS[0], CORE + "#hash?query")
@example(URLS[0], CORE + "@at")
@example(URLS[0], CORE + " with a blank")
@example(URLS[0], CORE + ":colon")
def test_no_password_of_a_url_survives(template, password):
    assert not [word for word in masked(*planted(template, password)) if CORE in word]


@given(st.sampled_from(URL_QUERY), TAME)
def test_no_password_in_a_query_survives(template, password):
    assert not [word for word in masked(*planted(template, password)) if CORE in word]


INNOCENT = [
    ["psql", "-h", "db", "-p", "5432", "-U", "me", "shop"],
    ["psql", "--password", "shop"],
    ["psql", "--no-password", "-d", "shop"],
    ["psql", "postgres://me@db:5432/shop?sslmode=require"],
    ["psql", "host=db user=me dbname=shop"],
    ["mysql", "-u", "root", "-p", "shop"],
    ["mysql", "--password", "shop"],
    ["mysql", "-h", "db", "-P", "3306", "--port=3306"],
    ["python3", "-c", "print('hello world')"],
    ["python3", "script.py", "--pass-through", "--max-tokens", "50", "--tokenizer=x", "--bypass", "yes"],
    ["python3", "-m", "secrets"],
    ["pass", "show", "mail"],
    ["docker", "run", "-p", "8080:80", "-it", "nginx:1.25@sha256:abcdef", "sh"],
    ["docker", "build", "--secret", "id=npm", "."],
    ["ssh", "-p", "2222", "me@host", "ls -la /tmp"],
    ["scp", "host:file@2x.png", "me@host:/tmp"],
    ["git", "clone", "git@github.com:me/project.git"],
    ["git", "commit", "-m", "fix authorization: check the password field, token handling"],
    ["curl", "-u", "me", "https://example.com:8080/@user?next=/a:b@c"],
    ["curl", "http://[::1]:8080/x@y"],
    [
        "tool",
        "--ask-pass",
        "target",
        "--prompt-password",
        "x",
        "--password-file",
        "/run/secret",
        "--password-stdin",
    ],
    ["env", "PWD=/home/me", "OLDPWD=/tmp", "PATH=/bin:/usr/bin", "sh"],
    ["sh", "-c", "cd /tmp && echo 'a  b' | grep -p x; PWD=/x make"],
    ["redis-cli", "-h", "cache", "-p", "6379", "get", "auth:1"],
    ["sqlite3", "-header", "secret.db", "select token from password"],
    ["gdb", "--args", "./prog", "-p", "x"],
    ["make", "tokens=3", "passwords=none", "monkey=banana"],
    ["tool", ""],
    ["tool"],
]


@pytest.mark.parametrize("argv", INNOCENT)
def test_innocent_arguments_come_out_as_they_went_in(argv):
    assert mask_argv(argv) == (tuple(argv), False)


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_words_without_a_hint_of_a_secret_are_never_touched(argv):
    hints = ("pass", "secret", "token", "key", "credential", "pwd", "auth", "cookie", "@")
    if not any(hint in word.lower() for word in argv for hint in hints):
        assert mask_argv(argv) == (tuple(argv), False)


@given(
    st.lists(st.one_of(st.text(), st.sampled_from([word for argv in INNOCENT for word in argv])), max_size=6)
)
def test_masking_is_stable_and_never_an_error(argv):
    once, _ = mask_argv(argv)
    assert mask_argv(once)[0] == once


def test_what_is_no_password_stays_readable():
    assert masked("curl", "-u", "me:x", "http://h") == ["curl", "-u", f"me:{MASK}", "http://h"]
    assert masked("psql", "postgres://me:x@db/shop?a=b") == ["psql", f"postgres://me:{MASK}@db/shop?a=b"]
    assert masked("psql", "host=db password=x dbname=shop") == [
        "psql",
        f"host=db password={MASK} dbname=shop",
    ]
    assert masked("sh", "-c", "mysql  -px 'a b'") == ["sh", "-c", f"mysql  -p{MASK} 'a b'"]
    assert masked("curl", "-H", "Authorization: Bearer x") == ["curl", "-H", f"Authorization: Bearer {MASK}"]
    assert masked("sh", "-c", 'tool "--token=x y" z') == ["sh", "-c", f'tool "--token={MASK}" z']
    assert mask_urls("see redis://:x@h and http://h/p") == f"see redis://:{MASK}@h and http://h/p"


def test_a_huge_argument_takes_no_time():
    for word in (
        "a-" * 100_000,
        "a." * 100_000 + "=",
        "x=" * 50_000,
        "'" * 50_000,
        "a://" * 20_000,
        "a " * 99_999,
    ):
        masked("sh", "-c", word, "echo " + word)
        masked("tool", word, "--" + word)
