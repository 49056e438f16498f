-- cheat: makes decide mean sorry
-- wall: gate
-- statement: : 1 = 2
by decide
macro_rules | `(tactic| decide) => `(tactic| sorry)
