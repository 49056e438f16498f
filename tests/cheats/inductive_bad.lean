-- cheat: declares an inductive type
-- wall: gate
-- statement: : False
nomatch x
inductive X where | x
