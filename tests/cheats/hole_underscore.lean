-- cheat: asks Lean to find the proof
-- wall: lean
-- statement: : False
_
