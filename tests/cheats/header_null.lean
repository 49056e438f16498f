-- cheat: cuts the header off before what is judged
-- wall: gate
-- statement: : 1 = 2
-- header: variable (n : Nat)\n\0axiom h : 1 = 2
h
