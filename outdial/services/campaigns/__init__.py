"""Launch, steer and schedule campaigns; add recipients; forecast."""
