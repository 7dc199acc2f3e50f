"""Shelters live: which are open, how full they are, what the town hall opens beside the designated ones.

capacity.py  how many find room, out of free text (想定収容人数) or of what the desk entered
shelter.py   a shelter as pages show it, from its entity
crowding.py  bands (空き, やや混雑, 混雑, 満), totals, what somebody should look at
sent.py      what the desk's forms send, checked
"""
