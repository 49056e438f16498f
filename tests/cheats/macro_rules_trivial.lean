-- cheat: makes trivial mean sorry
-- wall: gate
-- statement: : False
by trivial
local macro_rules | `(tactic| trivial) => `(tactic| sorry)
