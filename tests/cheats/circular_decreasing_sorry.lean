-- cheat: proves that a helper ends with sorry
-- wall: gate
-- statement: : False
f 0 where
  f (n : Nat) : False := f n
  termination_by n
  decreasing_by sorry
