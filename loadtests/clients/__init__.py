"""What a device does with signals, as pure state machines: the time is passed in, requests are handed out.

No clock, no socket, no task: a driver feeds them and carries out what they ask for.
"""
