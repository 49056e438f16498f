-- cheat: leaves a named hole
-- wall: lean
-- statement: : False
by refine ?later
