-- cheat: declares a private axiom
-- wall: gate
-- statement: : False
by exact h
private axiom h : False
