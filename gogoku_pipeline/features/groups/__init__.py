"""One file per feature group; a group is what a trader would call one subject.

Belongs here: declarations, made of operators and of other features by name (`F("ret_1d")`).
Does not belong here: `.shift`, `.over`, loops, imports of another group: groups never know each other's modules.
"""
