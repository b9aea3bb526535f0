"""Where a backbone's time, memory and parameters go, at any input size. START in `profile.py`."""
