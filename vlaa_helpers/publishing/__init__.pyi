from .upload import PushPlan as PushPlan, plan_push as plan_push, push as push
