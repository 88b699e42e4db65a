"""Pure values and rules: no clock is read, nothing sleeps, nothing is random, nothing does I/O."""
