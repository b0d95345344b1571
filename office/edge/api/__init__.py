"""The JSON API of the office: operations.py is its table, router.py how a call is answered."""
