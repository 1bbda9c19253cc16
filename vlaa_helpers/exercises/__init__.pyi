from .checks import check_exercise as check_exercise
