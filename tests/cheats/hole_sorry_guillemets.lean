-- cheat: writes sorryAx in guillemets
-- statement: : False
«sorryAx» False true
