"""`/auth/v1`: accounts, passwords, sessions and tokens, in GoTrue's words."""
