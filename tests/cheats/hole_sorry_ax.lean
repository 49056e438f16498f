-- cheat: names the axiom behind sorry
-- wall: gate
-- statement: : False
sorryAx _ false
