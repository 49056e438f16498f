-- cheat: reaches sorryAx through _root_
-- wall: gate
-- statement: : False
_root_.sorryAx False true
