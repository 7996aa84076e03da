"""The scenarios that ship with the harness: one TOML file per question. See README.md beside this file."""
