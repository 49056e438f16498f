-- cheat: looks for itself among the hypotheses
-- wall: lean
-- statement: : False
by assumption
