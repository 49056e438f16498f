-- cheat: declares an axiom on the line of the proof
-- wall: gate
-- statement: : True
trivial axiom h : False
