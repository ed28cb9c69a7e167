"""This package changes gunicorn's gthread worker."""
