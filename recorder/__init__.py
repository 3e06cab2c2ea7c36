"""``rec``: a shell-integrated session recorder."""
