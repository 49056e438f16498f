-- cheat: spells the constant behind sorry in guillemets
-- wall: gate
-- statement: : False
by exact «sorryAx» False false
