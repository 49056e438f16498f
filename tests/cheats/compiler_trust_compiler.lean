-- cheat: names the axiom of trust
-- wall: gate
-- statement: : False
(Lean.trustCompiler : False)
