-- cheat: uses the axiom of trust
-- wall: gate
-- statement: : False
by
  have := Lean.trustCompiler
  contradiction
