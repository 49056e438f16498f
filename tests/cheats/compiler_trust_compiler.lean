-- cheat: names the axiom of trust
-- statement: : False
(Lean.trustCompiler : False)
