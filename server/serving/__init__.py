"""What Dropwall changes in gunicorn's gthread worker."""
