"""Statistics of raw samples: pure functions of numbers, exact where an exact form exists. No record, no clock."""
