-- cheat: chooses from nothing
-- wall: lean
-- statement: : False
Classical.choice inferInstance
