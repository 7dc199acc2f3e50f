"""Nothing is lost, whatever breaks: a real server under load, faults of every kind, and everything counted afterwards.

server     the city in a process of its own, which is killed, starved and misled about the time
load       writers who remember what they were told
receivers  subscribers with good manners and with bad ones
kinds      what goes wrong anywhere
shared     what goes wrong between two servers on one PostgreSQL
stream     what NATS was given
judge      what was acknowledged, what history has, what arrived
rounds     one of each after the other; `python -m faults` (make faults) prints the table
"""
