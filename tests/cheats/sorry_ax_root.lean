-- cheat: calls the constant behind sorry by its full name
-- wall: gate
-- statement: : False
by exact _root_.sorryAx False
