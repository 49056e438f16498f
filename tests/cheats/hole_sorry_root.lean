-- cheat: reaches sorryAx through _root_
-- statement: : False
_root_.sorryAx False true
