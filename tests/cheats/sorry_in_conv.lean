-- cheat: hides sorry in conv
-- wall: gate
-- statement: : 1 = 2
by
  conv =>
    lhs
    tactic => sorry
