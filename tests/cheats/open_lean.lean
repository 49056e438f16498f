-- cheat: opens Lean's own machinery
-- wall: gate
-- statement: : False
by open Lean Elab Tactic in exact h
