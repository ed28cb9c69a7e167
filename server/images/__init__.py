"""From bytes to pictures: all of Pillow."""
