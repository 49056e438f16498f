-- cheat: teaches trivial to be sorry
-- wall: gate
-- statement: : False
by trivial
local macro_rules | `(tactic| trivial) => `(tactic| sorry)
