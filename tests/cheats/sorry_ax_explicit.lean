-- cheat: calls the constant behind sorry, synthetic
-- wall: gate
-- statement: : False
by exact @sorryAx False true
