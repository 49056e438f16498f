-- cheat: declares an axiom after the proof
-- wall: gate
-- statement: : False
h
axiom h : False
