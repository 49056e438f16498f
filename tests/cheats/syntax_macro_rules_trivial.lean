-- cheat: teaches trivial to be sorry
-- statement: : False
by trivial
local macro_rules | `(tactic| trivial) => `(tactic| sorry)
