-- cheat: declares a structure
-- wall: gate
-- statement: : False
x.h
structure X where
  h : False
