-- cheat: gives sorryAx explicit universes
-- wall: gate
-- statement: : False
@sorryAx.{0} False true
