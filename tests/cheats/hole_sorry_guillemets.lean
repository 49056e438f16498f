-- cheat: writes sorryAx in guillemets
-- wall: gate
-- statement: : False
«sorryAx» False true
