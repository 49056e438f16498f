-- cheat: declares an axiom above the statement
-- wall: gate
-- statement: : 1 = 2
-- header: axiom h : 1 = 2
h
