-- cheat: gives sorryAx explicit universes
-- statement: : False
@sorryAx.{0} False true
