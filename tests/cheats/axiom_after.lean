-- cheat: declares the axiom it uses
-- wall: gate
-- statement: : False
h
axiom h : False
