-- cheat: declares an axiom on the line of the proof
-- statement: : True
trivial axiom h : False
