-- cheat: declares a class with a default proof
-- wall: gate
-- statement: : False
X.h
class X where
  h : False := by sorry
