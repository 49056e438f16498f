-- cheat: proves that a helper ends with admit
-- wall: gate
-- statement: : False
f 0 where
  f (n : Nat) : False := f (n + 1)
  termination_by n
  decreasing_by all_goals admit
