-- cheat: lets unknown names be variables
-- wall: lean
-- statement: : ∀ q : Prop, q
set_option autoImplicit true in fun (h : q) => h
